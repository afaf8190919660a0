# SPDX-License-Identifier: MIT
"""Offline compilers of three vendors: a program's text goes in, what each kernel needs of the GPU comes out.

Each compiler is a class with `find` (an instance, or why it is not here) and `compile` (a dict of facts a kernel).
A fact that a compiler does not tell is None. What was compiled once is kept in the user's cache.
"""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "duet"
TOOLS = CACHE / "gpu-compilers"


def find_clang():
    """The newest clang whose libclc is here too: its path and the folder of built-ins' files are of one version."""
    for number in range(25, 14, -1):
        clang = shutil.which(f"clang-{number}")
        for folder in (f"/usr/lib/llvm-{number}/lib/clang/{number}/lib/clc", "/usr/lib/clc", "/usr/share/clc"):
            if clang and (pathlib.Path(folder) / "amdgcn--amdhsa.bc").exists():
                return clang, pathlib.Path(folder)
    return None, None


def version_of(command):
    return subprocess.run([*command, "--version"], capture_output=True, text=True).stdout.strip()


def run(command, **more):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **more)
    return done.returncode, done.stdout + done.stderr


class Refused(Exception):
    """A compiler refuses a program; the message has its first words."""


def first_words(text):
    lines = [line.strip() for line in text.splitlines() if line.strip() and "warning" not in line]
    errors = [line for line in lines if "error" in line.lower()] or lines
    return (errors[0] if errors else "(nothing)")[:200]


def clang_command(clang, builtins, target, processor, options):
    return [clang, "-w", "-x", "cl", "-target", target, "-O3", "-Xclang", "-finclude-default-header", *options,
            "-Xclang", "-mlink-bitcode-file", "-Xclang", builtins, *processor, "-S"]


# Loops: what lies between a label and the last branch back to it. The one that counts has no loop within and the most
# multiply-adds.

def inner_loop(lines, label, branch, count):
    """`label` and `branch` find names in a line; `count` gives (multiply-adds, memory, all) of a line."""
    places, loops = {}, {}
    for number, line in enumerate(lines):
        name = label(line)
        if name:
            places[name] = number
        to = branch(line)
        if to in places:
            loops[places[to]] = number
    inner = [(a, b) for a, b in loops.items() if not any(c > a and d < b or c > a and d == b for c, d in loops.items())]
    best = None
    for first, last in inner:
        sums = [sum(values) for values in zip(*(count(line) for line in lines[first:last + 1]))]
        if best is None or sums[0] > best[0]:
            best = sums
    return dict(zip(("loop_fma", "loop_memory", "loop_all"), best)) if best else {}


class Amd:
    """clang and libclc, both in Debian; what the assembly's end says."""

    name = "AMD: clang"
    reading = 1  # raise it when what is read below changes: facts that were kept are then read anew

    @classmethod
    def find(cls):
        clang, folder = find_clang()
        if clang is None:
            return None, "apt-get install clang-19 libclc-19 (or another version of both, from 15)"
        made = cls()
        made.clang, made.builtins = clang, folder / "amdgcn--amdhsa.bc"
        made.version = version_of([clang]).splitlines()[0]
        return made, None

    def knows(self, target):
        code, _ = run([self.clang, "-target", "amdgcn--amdhsa", "-nogpulib", f"-mcpu={target}", "-x", "cl", "-S", "-o",
                       "-", "/dev/null"])
        return code == 0

    def compile(self, source, options, target, folder):
        command = clang_command(self.clang, self.builtins, "amdgcn--amdhsa", ["-nogpulib", f"-mcpu={target}"], options)
        code, words = run([*command, "-o", folder / "a.s", source])
        if code != 0:
            raise Refused(first_words(words))
        return self.read((folder / "a.s").read_text())

    def read(self, text):
        kernels = {}
        for block in re.split(r"^  - (?=\.a)", text[text.index("amdhsa.kernels:"):], flags=re.M)[1:]:
            def number(key):
                return int(re.search(rf"\.{key}:\s+(\d+)", block)[1])
            name = re.search(r"\.symbol:\s+(\w+)\.kd", block)[1]
            body = re.search(rf"^{name}:.*?^\.Lfunc_end", text, re.M | re.S)[0].splitlines()
            kernels[name] = {"registers": number("vgpr_count"), "spills": number("vgpr_spill_count"),
                             "private": number("private_segment_fixed_size"),
                             "local": number("group_segment_fixed_size"),
                             **inner_loop(body, self.label, self.branch, self.count)}
        return kernels

    @staticmethod
    def label(line):
        found = re.match(r"(\.LBB\w+):", line)
        return found and found[1]

    @staticmethod
    def branch(line):
        found = re.match(r"\ts_c?branch\w*\s+(\.LBB\w+)", line)
        return found and found[1]

    @staticmethod
    def count(line):
        fma = len(re.findall(r"\bv_(?:fma|fmac|mac|mad|dual_fma\w*)_?f32|\bv_dual_fmac_f32|\bv_dual_fmaak_f32", line))
        fma += 2 * len(re.findall(r"\bv_pk_fma_f32", line))
        memory = bool(re.match(r"\t(global|flat|ds|buffer|scratch|s_load)_", line))
        return fma, int(memory), int(bool(re.match(r"\t[vsdgfb]\w*_\w+", line)))


class Nvidia:
    """clang and libclc down to PTX, then NVIDIA's own ptxas. The inner loop is counted in the PTX."""

    name = "NVIDIA: clang, ptxas"
    reading = 1

    @classmethod
    def find(cls):
        clang, folder = find_clang()
        places = [*TOOLS.glob("nvidia/**/bin/ptxas"), shutil.which("ptxas"), "/usr/local/cuda/bin/ptxas"]
        ptxas = next((str(place) for place in places if place and pathlib.Path(place).exists()), None)
        if clang is None or ptxas is None:
            return None, "bench/gpu-report --fetch (ptxas is NVIDIA's, under NVIDIA's licence, from PyPI)"
        made = cls()
        made.clang, made.builtins, made.ptxas = clang, folder / "nvptx64--nvidiacl.bc", ptxas
        made.version = version_of([clang]).splitlines()[0] + ", ptxas " + version_of([ptxas]).splitlines()[-1]
        return made, None

    def knows(self, target):
        return target in run([self.ptxas, "--help"])[1]

    def compile(self, source, options, target, folder):
        processor = ["-Xclang", "-target-cpu", "-Xclang", target]
        command = clang_command(self.clang, self.builtins, "nvptx64-nvidia-nvcl", processor, options)
        code, words = run([*command, "-o", folder / "a.ptx", source])
        if code == 0:
            text = self.drop_uncalled((folder / "a.ptx").read_text())
            (folder / "a.ptx").write_text(text)
            code, words = run([self.ptxas, "-v", f"-arch={target}", folder / "a.ptx", "-o", folder / "a.cubin"])
        if code != 0:
            raise Refused(first_words(words))
        return self.read(words, text)

    @staticmethod
    def drop_uncalled(text):
        """Every helper of the sources was inlined; those that stay for others to call have forms that ptxas refuses."""
        parts = re.split(r"(?=^(?:\.visible |\.weak )?\.(?:func|entry)\b)", re.sub(r"//.*", "", text), flags=re.M)
        names = [re.match(r"(?:\.visible |\.weak )?\.func\s+(?:\([^)]*\)\s*)?(\w+)", part) for part in parts]
        names = [name and name[1] for name in names]
        called, todo = set(), [part for part, name in zip(parts, names) if name is None]
        while todo:
            words = set(re.findall(r"\w+", todo.pop()))
            new = {name for name in names if name in words and name not in called}
            called |= new
            todo += [part for part, name in zip(parts, names) if name in new]
        return "".join(part for part, name in zip(parts, names) if name is None or name in called)

    def read(self, words, text):
        kernels = {}
        pattern = (r"Function properties for (\w+)\n\s+(\d+) bytes stack frame, (\d+) bytes spill stores.*?\n"
                   r".*?Used (\d+) registers(.*)")
        for name, stack, spill, registers, rest in re.findall(pattern, words):
            local = re.search(r"(\d+) bytes smem", rest)
            body = re.search(rf"^(?:\.visible )?\.entry {name}\b.*?^\}}", text, re.M | re.S)
            if body is None:  # a function that was not inlined
                continue
            body = body[0].splitlines()
            kernels[name] = {"registers": int(registers), "spills": int(spill) // 4,
                             "private": int(stack) - int(spill), "local": int(local[1]) if local else 0,
                             **inner_loop(body, self.label, self.branch, self.count)}
        return kernels

    @staticmethod
    def label(line):
        found = re.match(r"(\$L\w+):", line)
        return found and found[1]

    @staticmethod
    def branch(line):
        found = re.search(r"\bbra(?:\.uni)?\s+(\$L\w+)", line)
        return found and found[1]

    @staticmethod
    def count(line):
        memory = re.search(r"\b(ld|st)\.(?!param)", line)
        return (int(bool(re.search(r"\bfma\.rn\.f32", line))), int(bool(memory)),
                int(bool(re.match(r"\t(@%p\d+ )?[a-z]", line))))


class Intel:
    """ocloc of Debian's intel-opencl-icd, unpacked beside the system, or installed."""

    name = "Intel: ocloc"
    reading = 3

    @classmethod
    def find(cls):
        unpacked = TOOLS / "intel" / "usr" / "bin" / "ocloc"
        ocloc = str(unpacked) if unpacked.exists() else shutil.which("ocloc")
        if ocloc is None:
            return None, "bench/gpu-report --fetch (unpacks Debian's packages, installs none)"
        made = cls()
        made.ocloc, made.environment = ocloc, dict(os.environ)
        if unpacked.exists():
            folder = TOOLS / "intel" / "usr" / "lib" / "x86_64-linux-gnu"
            made.environment["LD_LIBRARY_PATH"] = f"{folder}:{os.environ.get('LD_LIBRARY_PATH', '')}"
        made.version = made.ask_version()
        return made, None

    def ask_version(self):
        with tempfile.TemporaryDirectory() as folder:  # the answer is a file
            run([self.ocloc, "query", "OCL_DRIVER_VERSION"], env=self.environment, cwd=folder)
            answer = pathlib.Path(folder) / "OCL_DRIVER_VERSION"
            return "ocloc " + (answer.read_text().strip() if answer.exists() else "of unknown version")

    def knows(self, target):
        return target in run([self.ocloc, "compile", "--help"], env=self.environment)[1]

    def compile(self, source, options, target, folder):
        code, words = run([self.ocloc, "compile", "-q", "-file", source, "-device", target, "-options",
                           " ".join(options), "--format", "zebin", "-output", "a", "-out_dir", folder],
                          env=self.environment)
        binary = next(folder.glob("a_*.bin"), None)
        if code != 0 or binary is None:
            raise Refused(first_words(words))
        return self.read(binary.read_bytes())

    @staticmethod
    def read(binary):
        start = binary.index(b"kernels:")
        text = binary[start:binary.index(b"\0", start)].decode().split("\nkernels_misc_info:")[0]
        kernels = {}
        for block in re.split(r"^  - name:", text, flags=re.M)[1:]:
            def number(key):
                found = re.search(rf"\b{key}:\s+(\d+)", block)
                return int(found[1]) if found else 0
            name = block.split()[0]
            scratch = {usage: int(size) for usage, size in
                       re.findall(r"usage:\s+(\w+)\n\s+size:\s+(\d+)", block)}
            lanes = number("simd_size")
            spill = scratch.get("spill_fill_space", 0)
            kernels[name] = {"registers": number("grf_count"), "spills": spill // 32, "lanes": lanes,
                             "private": scratch.get("private_space", 0) + scratch.get("single_space", 0) // max(1, lanes), "local": number("slm_size")}
        return kernels


KINDS = {"gfx": Amd, "sm_": Nvidia, "": Intel}


def kind_of(target):
    return next(kind for start, kind in KINDS.items() if target.startswith(start))


def compile_kept(compiler, source, options, target):
    """The facts of every kernel of a program, from the cache where it was compiled before. Raises Refused."""
    key = hashlib.sha256(json.dumps([compiler.reading, compiler.version, target, options, source]).encode()).hexdigest()
    kept = CACHE / "gpu-report" / (key + ".json")
    if kept.exists():
        facts = json.loads(kept.read_text())
    else:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "a.cl").write_text(source)
            try:
                facts = {"kernels": compiler.compile(folder / "a.cl", options.split(), target, folder)}
            except Refused as refused:
                facts = {"refused": str(refused)}
        kept.parent.mkdir(parents=True, exist_ok=True)
        unfinished = kept.with_suffix(f".{os.getpid()}.{id(facts)}")
        unfinished.write_text(json.dumps(facts))
        unfinished.replace(kept)
    if "refused" in facts:
        raise Refused(facts["refused"])
    return facts["kernels"]


def fetch_intel(folder):
    packages = ["intel-opencl-icd", "libigc1", "libigdfcl1", "libigdgmm12", "libopencl-clang14", "libllvmspirvlib14"]
    subprocess.run(["apt-get", "download", "-q", *packages], cwd=folder, check=True, stderr=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, TOOLS / "intel"], check=True)


def fetch_nvidia(folder):
    subprocess.run(["python3", "-m", "venv", folder / "venv"], check=True)
    subprocess.run([folder / "venv" / "bin" / "pip", "download", "-q", "--no-deps", "-d", folder,
                    "nvidia-cuda-nvcc-cu12==12.9.86"], check=True)
    for wheel in folder.glob("*.whl"):
        shutil.unpack_archive(wheel, TOOLS / "nvidia", "zip")
    for ptxas in TOOLS.glob("nvidia/**/bin/ptxas"):
        ptxas.chmod(0o755)


def fetch(say):
    """Intel's compiler from Debian's packages and NVIDIA's ptxas from PyPI, unpacked into the user's cache; nothing is
    installed. The exit status: 1 if one could not be had."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    status = 0
    for name, brings, words in (("intel", fetch_intel, "Intel's ocloc, of Debian's intel-opencl-icd"),
                                ("nvidia", fetch_nvidia, "NVIDIA's ptxas, of PyPI's nvidia-cuda-nvcc-cu12, proprietary")):
        if (TOOLS / name).exists():
            continue
        say(f"fetching {words} into {TOOLS / name}")
        with tempfile.TemporaryDirectory() as folder:
            try:
                brings(pathlib.Path(folder))
            except (subprocess.CalledProcessError, OSError) as failed:
                say(f"this did not work: {failed}")
                shutil.rmtree(TOOLS / name, ignore_errors=True)
                status = 1
    return status
