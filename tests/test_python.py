#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Python package against the headers, and the words in which it says what the library said.

usage: test_python.py PACKAGE_FOLDER TWIN_LIBRARY; without cffi or numpy all is skipped
"""

import inspect
import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cases  # noqa: E402
from python_cases import MISSING, ROOT, TWIN, Folder, pictures  # noqa: E402

if not MISSING:
    import cffi
    import duet
    import numpy


# mpi.h is of a library of its own, which Python does not load.
HEADERS = [path for path in (ROOT / "include" / "duet").glob("*.h") if path.name != "mpi.h"]


class Headers(Folder):
    def declared(self):
        """(name, count of parameters) of each public function, read without the generator."""
        for path in sorted(HEADERS):
            text = re.sub(r"/\*.*?\*/", " ", path.read_text(), flags=re.S)
            for declaration in re.findall(r"^DUET_API\s([^;]*);", text, re.M):
                name = re.search(r"\bduet_\w+(?=\()", declaration)[0]
                inside = declaration.split(name + "(", 1)[1]
                depth, commas = 1, 0
                for letter in inside:
                    depth += {"(": 1, ")": -1}.get(letter, 0)
                    if depth == 0:
                        break
                    commas += letter == "," and depth == 1
                yield name, 0 if inside.startswith("void)") else commas + 1

    def test_every_public_function_is_covered(self):
        found = list(self.declared())
        self.assertGreater(len(found), 350)
        for name, parameters in found:
            kind = duet.ffi.typeof(getattr(duet.library.lib, name))
            self.assertEqual(len(kind.args) + kind.ellipsis, parameters, name)
            self.assertTrue(callable(getattr(duet.c, name[5:])), name)

    def test_every_builder_has_words_of_its_own(self):
        names = [
            name
            for path in sorted(HEADERS)
            for name in re.findall(r"\bduet_(\w+)_at\(const char \*where\b", path.read_text())
        ]
        self.assertGreater(len(names), 150)
        for name in names:
            shorter = re.sub("^(model|graph)_", "", name)
            places = [(place, short) for place in (duet, duet.Model) for short in (name, shorter)]
            said = next((getattr(place, short) for place, short in places if hasattr(place, short)), None)
            self.assertTrue(said is not None and said.__doc__, name)

    def test_everything_public_has_hints_and_words(self):
        for name in duet.__all__:
            thing = getattr(duet, name)
            if name in ("c", "ffi", "constants"):
                continue
            self.assertTrue(inspect.getdoc(thing), name)
            members = [(name, thing)] if inspect.isfunction(thing) else []
            if inspect.isclass(thing):
                own = [(f"{name}.{key}", value) for key, value in vars(thing).items()]
                members += [(key, getattr(value, "__func__", value)) for key, value in own]
            for key, member in members:
                short = key.split(".")[-1]
                if isinstance(member, property):
                    member = member.fget
                if not inspect.isfunction(member) or short.startswith("_") and short != "__init__":
                    continue
                signature = inspect.signature(member)
                hints = [one.annotation for place, one in signature.parameters.items() if place not in ("self", "cls")]
                if short != "__init__":
                    hints.append(signature.return_annotation)
                    words = inspect.getdoc(member)
                    self.assertTrue(words and words.split("(")[0] != short, key)
                self.assertNotIn(inspect.Signature.empty, hints, key)
        self.assertTrue((pathlib.Path(duet.__file__).parent / "py.typed").exists())

    def test_structures_lie_as_the_compiler_has_them(self):
        twin = cffi.FFI()
        twin.cdef("size_t twin_size(const char *name);")
        library = twin.dlopen(TWIN)
        for name in (
            "duet_data_info",
            "duet_device_info",
            "duet_explained_launch",
            "duet_explained_phase",
            "duet_error",
            "duet_metric_value",
            "duet_optimiser",
            "duet_own_data",
            "duet_prior",
            "duet_product_timing",
            "duet_progress",
            "duet_request",
            "duet_setting",
            "duet_train_options",
            "duet_tune_row",
            "duet_verdict",
            "duet_window",
            "duet_monitor_options",
        ):
            self.assertEqual(duet.ffi.sizeof(name), library.twin_size(name.encode()), name)

    def test_macros_become_constants_and_defaults(self):
        self.assertEqual(duet.constants["DUET_SAMPLE"], "sample")
        self.assertEqual(duet.constants["DUET_ALL_AXES"], 0xFFFF)
        self.assertEqual(duet.batch_norm.__defaults__, (1e-3, 0.99))


class Words(Folder):
    def test_words_are_those_of_python(self):
        for said, expected in (
            ("give --batch a multiple of it", "give batch a multiple of it"),
            ("with --batch 180 or less", "with batch=180 or less"),
            ("go on by --resume runs/a, or choose another --out", "go on by resume=runs/a, or choose another out"),
            ("train with --set average=0.999, say", 'train with settings={"average": "0.999"}, say'),
            ("--set lr=... or clip_norm=... gives it", 'settings={"lr": ...} or clip_norm=... gives it'),
            (": train one by duet train classifier", ': train one by duet.train("classifier")'),
            ("; --other-data goes on with these", "; other_data=True goes on with these"),
            ("name one with --watch METRIC", "name one with metrics=METRIC"),
            ("name it as the labels with --labels NAME", 'name it as the labels with data="PATH:labels=NAME"'),
            (
                "as in --labels l.csv:column=y; columns of classes",
                'as in data="PATH:labels=l.csv:column=y"; columns of classes',
            ),
            ("as in --labels 'my l.csv:column=w;x'; columns", 'as in data="PATH:labels=my l.csv:column=w;x"; columns'),
            ("with --seed 3: no", "with seed=3: no"),
            ("'duet train --resume a' goes on; --resume too", "'duet train --resume a' goes on; resume too"),
        ):
            self.assertEqual(duet.library.in_python(said), expected)
        with self.assertRaisesRegex(duet.Error, "zero character"):
            duet.open("a\0b")
        with self.assertRaisesRegex(TypeError, r"duet.c.metric_check\("):
            duet.c.metric_check(None, ["elbo"], 0)
        self.assertEqual(
            duet.convert.key_values({"a": True, "b": numpy.array([8, 4]), "c": (1, 2), "d": numpy.float32(0.5)}),
            ["a=yes", "b=8,4", "c=1,2", "d=0.5"],
        )
        self.assertEqual(duet.convert.key_values("hidden=8"), ["hidden=8"])
        for call, words in (
            (lambda: duet.train("vae", pictures(), seed=-1), "seed=-1"),
            (lambda: duet.train("vae", pictures(), batch=-1), "batch=-1"),
            (lambda: duet.train("vae", pictures(), epochs=1.5), "a whole number is expected"),
            (lambda: duet.grid(pictures(4), columns=-1), "columns=-1"),
            (lambda: duet.Data.from_arrays(pictures()).read(first=-1), "first=-1"),
            (lambda: duet.write_points(self.path("p.png"), numpy.zeros((3, 2)), labels=[1, 2, 300]), "0 to 255"),
        ):
            with self.assertRaisesRegex(duet.Error, words):
                call()


if __name__ == "__main__":
    cases.main()
