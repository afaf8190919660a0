#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What bench/gpu-report reads of compilers' answers, and its arithmetic, by hand. No compiler is needed.

usage: test_gpu_report.py; ends with exit status 0 if all holds
"""
import importlib.machinery
import importlib.util
import pathlib
import sys
import unittest

BENCH = pathlib.Path(__file__).resolve().parents[1] / "bench"
sys.dont_write_bytecode = True
sys.path[:0] = [str(BENCH / "gpu")]

import cases  # noqa: E402
import compilers  # noqa: E402

loader = importlib.machinery.SourceFileLoader("gpu_report", str(BENCH / "gpu-report"))
report = importlib.util.module_from_spec(importlib.util.spec_from_loader("gpu_report", loader))
loader.exec_module(report)

AMD = """
twice:                                  ; @twice
; %bb.0:
\ts_load_b64 s[0:1], s[0:1], 0x0
.LBB0_1:                                ; =>This Loop Header: Depth=1
\tv_add_f32_e32 v1, v1, v2
.LBB0_2:                                ;   Parent Loop BB0_1 Depth=1
\tds_load_b128 v[4:7], v3
\tv_dual_fmac_f32 v1, v4, v5 :: v_dual_fmac_f32 v2, v6, v7
\tv_fma_f32 v1, v4, v5, v1
\ts_cbranch_scc1 .LBB0_2
; %bb.3:
\ts_cbranch_vccnz .LBB0_1
\ts_endpgm
.Lfunc_end0:
amdhsa.kernels:
  - .args:
      - .address_space:  global
    .group_segment_fixed_size: 512
    .private_segment_fixed_size: 16
    .symbol:         twice.kd
    .vgpr_count:     41
    .vgpr_spill_count: 3
amdhsa.target:   amdgcn-unknown-amdhsa--gfx1100
"""

PTX = """
.visible .func  (.param .b32 func_retval0) unused(.param .b32 unused_param_0)
;
.visible .func  (.param .b32 func_retval0) unused(
\t.param .b32 unused_param_0
)
{
\tadd.s64 \t%rd5, unused_param_0, %rd4;
\tret;
}
.visible .func helper(.param .b32 a)
{
\tret;
}
.visible .entry twice(
\t.param .u64 twice_param_0
)
{
$L__BB0_1:
\tld.shared.f32 \t%f1, [%rd1];
\tfma.rn.f32 \t%f2, %f1, %f1, %f2;
\tcall.uni helper, (param0);
\t@%p1 bra \t$L__BB0_1;
\tret;
}
"""

PTXAS = """ptxas info    : Compiling entry function 'twice' for 'sm_90'
ptxas info    : Function properties for twice
    48 bytes stack frame, 32 bytes spill stores, 40 bytes spill loads
ptxas info    : Used 168 registers, used 1 barriers, 48 bytes cumulative stack size, 12800 bytes smem
"""

ZE_INFO = b"""\x7fELF...kernels:
  - name:            twice
    execution_env:
      grf_count:       128
      simd_size:       16
      slm_size:        8704
    per_thread_memory_buffers:
      - type:            scratch
        usage:           spill_fill_space
        size:            512
      - type:            global
        usage:           private_space
        size:            24
kernels_misc_info:
  - name:            twice
    args_info: []
\0tail"""

GPU = {"simds": 4, "waves": 16, "registers": 1536, "register_step": 24, "unit_local_bytes": 131072, "lanes": 32,
       "compute_units": 48, "peak_gflops": 30720, "bandwidth_gbs": 960, "launch_us": 5}


class Readers(unittest.TestCase):
    def test_amd(self):
        facts = compilers.Amd().read(AMD)["twice"]
        self.assertEqual([facts[key] for key in ("registers", "spills", "private", "local")], [41, 3, 16, 512])
        # the loop within the other: three multiply-adds, one load; four instructions, of which one is a pair
        self.assertEqual([facts[key] for key in ("loop_fma", "loop_memory", "loop_all")], [3, 1, 4])

    def test_nvidia(self):
        text = compilers.Nvidia.drop_uncalled(PTX)
        self.assertNotIn("unused", text)
        self.assertIn("helper(", text)
        facts = compilers.Nvidia().read(PTXAS, text)["twice"]
        self.assertEqual([facts[key] for key in ("registers", "spills", "private", "local")], [168, 8, 16, 12800])
        self.assertEqual([facts[key] for key in ("loop_fma", "loop_memory", "loop_all")], [1, 1, 4])

    def test_intel(self):
        facts = compilers.Intel.read(ZE_INFO)
        self.assertEqual(facts, {"twice": {"registers": 128, "spills": 16, "lanes": 16, "private": 24, "local": 8704}})


class Arithmetic(unittest.TestCase):
    def test_occupancy(self):
        # 132 registers are 144 of 1536: ten waves of sixteen, as clang says of such a kernel
        facts = {"registers": 132, "local": 16896}
        occupancy, groups = report.occupancy_of(GPU, facts, 256)
        self.assertEqual((occupancy, groups), (0.625, 5))
        # local memory allows three groups of 40 KiB
        self.assertEqual(report.occupancy_of(GPU, {"registers": 24, "local": 40960}, 256)[1], 3)
        # fixed registers: a group of 16 waves spreads over two units of 8
        intel = {**GPU, "simds": 1, "waves": 8, "registers": 0, "unit_local_bytes": 8192}
        self.assertEqual(report.occupancy_of(intel, {"registers": 128, "local": 8704, "lanes": 16}, 256), (1.0, 0.5))

    def test_estimate(self):
        facts = {"registers": 24, "local": 0, "loop_fma": 64, "loop_all": 128}
        launch = {"work_group": 256, "work_items": 256 * 48 * 8, "flops": 30720e6, "bytes": 0}
        made = report.estimate(GPU, facts, launch)  # a millisecond at the peak, half of the instructions multiply
        self.assertAlmostEqual(made["microseconds"], 2005)
        self.assertAlmostEqual(made["share"], 1000 / 2005)
        launch = {"work_group": 32, "work_items": 32, "flops": 0, "bytes": 960e3}  # one wave alone
        self.assertAlmostEqual(report.estimate(GPU, facts, launch)["microseconds"], 5 + 4 * 192)

    def test_faults(self):
        row = {"function": "conv_tile", "spills": 0, "hot": True, "occupancy": 0.2, "private": 129}
        self.assertEqual(report.faults_of(row), ["occupancy", "private"])
        self.assertEqual(report.faults_of({**row, "hot": False, "spills": 1}), ["spills"])
        rows = [["gfx9*", "*", "conv_*", "occupancy", "why"]]
        self.assertEqual(report.reason_for(rows, "gfx900", "dcgan", row, "occupancy"), "why")
        self.assertIsNone(report.reason_for(rows, "gfx1100", "dcgan", row, "occupancy"))
        self.assertIsNone(report.reason_for(rows, "gfx900", "dcgan", row, "spills"))
        for line in report.read_exceptions():
            self.assertEqual(len(line), 5)
            self.assertIn(line[3], ("spills", "occupancy", "private", "refused"))


if __name__ == "__main__":
    cases.main()
