# SPDX-License-Identifier: MIT
"""Arrays on disk for the study: small and shifted pieces of Fashion-MNIST, draws of two peaks, averages of pictures."""
import array
import ast
import gzip
import math
import random
import shutil
import struct

from shared import beside, write_whole

SIDE = 28


def write_npy(path, rows, shape):
    """float32 rows, one after the other, as an .npy file of that shape."""
    header = repr({"descr": "<f4", "fortran_order": False, "shape": tuple(shape)})
    header += " " * (-(len(header) + 11) % 64) + "\n"
    values = array.array("f")
    for row in rows:
        values.extend(row)
    return write_whole(path, b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + values.tobytes())


def write_folder(folder, make, shape):
    """A data set as `duet train --data` takes it, of make()'s rows for training and for the test; whole or not at all."""
    if folder.exists():
        return folder
    train, test = make()
    part = beside(folder)
    part.mkdir()
    write_npy(part / "train.npy", train, (len(train), *shape))
    write_npy(part / "test.npy", test, (len(test), *shape))
    try:
        part.rename(folder)
    except OSError:  # another one was there first
        shutil.rmtree(part)
    return folder


def read_npy(path):
    """(shape, flat array of floats) of an .npy file of float32."""
    with open(path, "rb") as file:
        version = file.read(8)[6]
        length, = struct.unpack("<H" if version == 1 else "<I", file.read(2 if version == 1 else 4))
        header = ast.literal_eval(file.read(length).decode())
        values = array.array("f")
        values.frombytes(file.read())
    return header["shape"], values


def rows_of(path):
    shape, values = read_npy(path)
    width = math.prod(shape[1:])
    return [values[i * width:(i + 1) * width] for i in range(shape[0])]


def fashion(source, split, count):
    """The first pictures of a split, as rows of numbers in [0, 1]."""
    name = {"train": "train", "test": "t10k"}[split]
    with gzip.open(f"{source}/{name}-images-idx3-ubyte.gz") as file:
        file.read(16)
        raw = file.read(count * SIDE * SIDE)
    return [[byte / 255 for byte in raw[i:i + SIDE * SIDE]] for i in range(0, len(raw), SIDE * SIDE)]


def two_peaks(count, sigma=0.5, seed=1):
    draw = random.Random(seed)
    return [[draw.gauss(draw.choice((-2, 2)), sigma)] for _ in range(count)]


def pooled(picture, size=4):
    """Means over squares: what is left of a picture seen from afar."""
    return [sum(picture[(y + j) * SIDE + x + i] for j in range(size) for i in range(size)) / size ** 2
            for y in range(0, SIDE, size) for x in range(0, SIDE, size)]


def patch(picture, place, size=7):
    """A square piece, so many pixels from the corner each way."""
    return [picture[(place + j) * SIDE + place + i] for j in range(size) for i in range(size)]


def rotated(picture):
    """A quarter turn."""
    return [picture[(SIDE - 1 - x) * SIDE + y] for y in range(SIDE) for x in range(SIDE)]
