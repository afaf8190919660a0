#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the drawings of the lessons, an SVG each: drawings.py writes them beside the pages.

A drawing is a list of shapes put on a Sheet; the functions below the class are the drawings.
"""
import math
import pathlib

HERE = pathlib.Path(__file__).parent
INK, GREY, PALE, BLUE, RED, GREEN, GOLD = "#24292f", "#8c959f", "#eaeef2", "#a5d0f5", "#f5b8b0", "#b4e0b8", "#f5dc9a"


class Sheet:
    def __init__(self, width, height):
        self.width, self.height, self.parts = width, height, []

    def box(self, x, y, width, height, fill=PALE, stroke=INK, dashed=False, line=1):
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{fill}" stroke="{stroke}" stroke-width="{line}"{dash}/>'
        )

    def cells(self, x, y, columns, rows, size, fill=lambda row, column: "#ffffff", text=None, small=11):
        for row in range(rows):
            for column in range(columns):
                left, top = x + column * size, y + row * size
                self.box(left, top, size, size, fill(row, column))
                if text is not None and text(row, column) != "":
                    self.text(left + size / 2, top + size / 2 + 4, text(row, column), small, "middle")

    def text(self, x, y, words, size=14, anchor="start", fill=INK, bold=False, mono=False):
        words = str(words).replace("&", "&amp;").replace("<", "&lt;")
        weight = ' font-weight="bold"' if bold else ""
        family = ' font-family="DejaVu Sans Mono, monospace"' if mono else ""
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" fill="{fill}"{weight}{family}>{words}</text>'
        )

    def arrow(self, x0, y0, x1, y1, colour=INK, width=1.5):
        self.parts.append(
            f'<line x1="{x0:g}" y1="{y0:g}" x2="{x1:g}" y2="{y1:g}" stroke="{colour}" stroke-width="{width}" marker-end="url(#tip)"/>'
        )

    def line(self, points, colour=INK, width=1.5, dashed=False):
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        where = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{where}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}/>')

    def dot(self, x, y, colour=INK, radius=4):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>')

    def write(self, name):
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
            f'height="{self.height}" font-family="DejaVu Sans, Helvetica, sans-serif">\n'
            "<!-- made by docs/lessons/drawings.py -->\n"
            '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
            f'<path d="M0,0 L8,4 L0,8 z" fill="{INK}"/></marker></defs>\n'
            f'<rect width="{self.width}" height="{self.height}" fill="#ffffff"/>\n'
        )
        (HERE / name).write_text(head + "\n".join(self.parts) + "\n</svg>\n")


def launch():
    s = Sheet(760, 250)
    n, group, size = 18, 8, 27
    left = 64
    colours = [BLUE, GREEN, GOLD]
    s.text(left, 28, "n = 18 elements, groups of 8: the launch is rounded up to 24 work-items", bold=True)
    for g in range(3):
        s.box(left + g * group * size - 2 + g * 6, 50, group * size + 4, 62, "#ffffff", GREY, True)
        s.text(left + g * group * size + g * 6 + group * size / 2, 66, f"work-group {g}", 13, "middle")
    for i in range(3 * group):
        x = left + i * size + i // group * 6
        s.box(x, 76, size, size, colours[i // group] if i < n else RED)
        s.text(x + size / 2, 76 + 18, i, 11, "middle")
        if i < n:
            s.arrow(x + size / 2, 114, left + i * size + size / 2, 164)
    s.text(10, 94, "items", 13)
    s.cells(left, 166, n, 1, size, lambda row, column: colours[column // group], lambda row, column: column)
    s.text(10, 184, "result", 13)
    s.text(left + 18 * size + 20, 150, "no element: they leave", 13)
    s.text(left, 226, "get_global_id(0) is the number of the work-item; get_local_id(0) begins at 0 in each group.", 13)
    s.write("1-launch.svg")


def product():
    s = Sheet(760, 330)
    size = 24
    m, n, k = 5, 7, 6
    row, column = 2, 4
    s.cells(70, 170, k, m, size, lambda r, c: BLUE if r == row else "#ffffff")
    s.cells(300, 20, n, k, size, lambda r, c: GOLD if c == column else "#ffffff")
    s.cells(300, 170, n, m, size, lambda r, c: GREEN if (r, c) == (row, column) else "#ffffff")
    s.text(142, 160, "a: m x k", 14, "middle")
    s.text(480, 60, "b: k x n")
    s.text(480, 250, "c: m x n")
    s.arrow(220, 230, 296, 230)
    s.text(12, 235, "row", 13)
    s.text(300 + column * size + 12, 14, "column", 12, "middle")
    s.text(500, 120, "one work-item: k times", 14)
    s.text(500, 142, "load, load, multiply, add", 14)
    s.text(500, 290, "c[row][column] = sum of", 14)
    s.text(500, 312, "a[row][i] b[i][column]", 14)
    s.write("2-product.svg")


def panels():
    s = Sheet(760, 330)
    size, rows, columns = 26, 4, 10
    colours = [BLUE, GREEN, GOLD]
    s.text(20, 24, "a matrix of 4 x 10, row by row in memory; panels of 4 columns (in the lesson: of 8)", bold=True)
    s.cells(60, 40, columns, rows, size, lambda r, c: colours[c // 4], lambda r, c: f"{r}.{c}", 9)
    for c in (10, 11):
        for r in range(rows):
            s.box(60 + c * size, 40 + r * size, size, size, "#ffffff", GREY, True)
            s.text(60 + c * size + size / 2, 40 + r * size + 17, "0", 10, "middle", GREY)
    s.text(400, 84, "the last panel is filled up with zeros", 13)
    s.text(20, 180, "panels, one behind the other:", 14)
    size = 15
    for p in range(3):
        for i in range(16):
            r, c = i // 4, p * 4 + i % 4
            x = 20 + (p * 16 + i) * size
            s.box(x, 192, size, 30, colours[p] if c < columns else "#ffffff")
            s.parts.append(
                f'<text transform="translate({x + 11},218) rotate(-90)" font-size="8" fill="{INK}">{f"{r}.{c}" if c < columns else "0"}</text>'
            )
    s.text(20, 258, "A product that needs four columns of all rows reads one run of memory, from its first number to its last.", 13)
    s.text(20, 282, "Neighbouring work-items (dimension 0) read and write neighbouring numbers: a GPU joins their loads", 13)
    s.text(20, 300, "into few wide ones, a CPU uses every byte of the cache lines that it fetched.", 13)
    s.write("3-panels.svg")


def tiles():
    s = Sheet(760, 400)
    size = 16
    s.text(20, 24, "A work-group computes a tile of c. It walks along k, a slice at a time.", bold=True)
    s.cells(60, 190, 12, 8, size, lambda r, c: BLUE if 4 <= r < 8 and 4 <= c < 8 else PALE if 4 <= r < 8 else "#ffffff")
    s.cells(290, 40, 8, 8, size, lambda r, c: "#ffffff")
    s.cells(290, 40, 8, 8, size, lambda r, c: GOLD if c < 4 and 4 <= r < 8 else PALE if c < 4 else "#ffffff")
    s.cells(290, 190, 8, 8, size, lambda r, c: GREEN if r >= 4 and c < 4 else "#ffffff")
    s.text(156, 182, "a", 14, "middle")
    s.text(430, 60, "b", 14)
    s.text(430, 212, "c", 14)
    s.arrow(64, 334, 246, 334)
    s.text(150, 354, "along k, TILE at a time", 13, "middle")
    s.box(500, 40, 230, 120, "#ffffff", GREY, True)
    s.text(615, 58, "local memory of the group", 13, "middle")
    s.cells(520, 72, 4, 4, 19, lambda r, c: BLUE)
    s.cells(640, 72, 4, 4, 19, lambda r, c: GOLD)
    s.text(558, 172 + 6, "slice_a", 12, "middle", mono=True)
    s.text(678, 172 + 6, "slice_b", 12, "middle", mono=True)
    steps = [("copy one number of each slice", "#ffffff"), ("barrier", RED), ("TILE multiply-adds from local memory", GREEN), ("barrier", RED)]
    for i, (words, fill) in enumerate(steps):
        s.box(470, 200 + i * 34, 270, 28, fill)
        s.text(605, 219 + i * 34, words, 13, "middle")
    s.text(605, 358, "... and again, for the next slices", 13, "middle")
    s.text(20, 388, "Each number that is fetched is used TILE times: TILE times fewer loads from memory than in lesson 2.", 13)
    s.write("4-tiles.svg")


def registers():
    s = Sheet(760, 300)
    size = 34
    s.text(20, 24, "One step of k: 4 numbers of a, one vector of b, 16 multiply-adds", bold=True)
    s.cells(90, 130, 1, 4, size, lambda r, c: BLUE, lambda r, c: f"a{r}", 12)
    s.cells(220, 60, 4, 1, size, lambda r, c: GOLD, lambda r, c: f"b{c}", 12)
    s.cells(220, 130, 4, 4, size, lambda r, c: GREEN, lambda r, c: f"a{r} b{c}", 11)
    for r in range(4):
        s.arrow(130, 147 + r * size, 214, 147 + r * size)
        s.text(366, 152 + r * size, f"sum{r} += a{r} * b", 14, mono=True)
    for c in range(4):
        s.arrow(237 + c * size, 96, 237 + c * size, 126)
    s.text(366, 82, "b: a float4, loaded once for four rows", 13)
    s.text(10, 118, "a: four rows, one number each", 13)
    s.text(560, 170, "lesson 2: 2 loads,", 13)
    s.text(560, 188, "1 multiply-add", 13)
    s.text(560, 220, "here: 5 loads,", 13)
    s.text(560, 238, "16 multiply-adds", 13)
    s.text(20, 288, "The 16 sums stay in registers from the first step to the last; c is written once.", 13)
    s.write("5-registers.svg")


def reduction():
    s = Sheet(760, 320)
    s.text(20, 24, "n = 24 numbers, count = 8 pieces of 3, in blocks of 4 lanes (in the lesson: of 16)", bold=True)
    colours = [BLUE, GREEN, GOLD, RED]
    size = 28
    for i in range(24):
        x = 20 + i * size + i // 12 * 16
        s.box(x, 60, size, size, colours[i % 4])
        s.text(x + size / 2, 79, i, 11, "middle")
    s.text(20, 52, "x, block 0", 13)
    s.text(20 + 12 * size + 16, 52, "block 1", 13)
    for p in range(8):
        x = 60 + p * 84
        s.box(x, 150, 62, 28, colours[p % 4])
        s.text(x + 31, 169, f"sums[{p}]", 11, "middle", mono=True)
        for j in range(3):
            i = p // 4 * 12 + j * 4 + p % 4
            s.arrow(20 + i * size + i // 12 * 16 + size / 2, 90, x + 31, 147, GREY, 1)
        s.arrow(x + 31, 180, 380, 226, GREY, 1)
    s.text(20, 222, "first launch: one work-item a piece", 13)
    s.box(330, 230, 100, 30, PALE)
    s.text(380, 250, "result[0]", 12, "middle", mono=True)
    s.text(440, 250, "second launch: one work-item, in order", 13)
    s.text(20, 288, "Neighbouring work-items read neighbouring numbers (a GPU joins their loads); a block is one run of memory,", 13)
    s.text(20, 306, "small enough for a core's cache (a CPU reads each line once).", 13)
    s.write("6-sum.svg")


def fusion():
    s = Sheet(760, 330)

    def kernel(x, words, fill=BLUE):
        s.box(x, 140, 120, 36, fill)
        s.text(x + 60, 163, words, 13, "middle")

    s.text(20, 24, "three launches: x is read, y written, read, written, read, written", bold=True)
    s.box(20, 50, 500, 34, PALE)
    s.text(270, 72, "memory: x, y", 13, "middle")
    for i, words in enumerate(["times scale", "plus shift", "relu"]):
        x = 40 + i * 160
        kernel(x, words)
        s.arrow(x + 30, 86, x + 30, 136)
        s.arrow(x + 90, 138, x + 90, 88)
    s.text(560, 110, "6 passes over", 14)
    s.text(560, 130, "the numbers", 14)
    s.text(20, 216, "one launch: what is between lives in registers", bold=True)
    s.box(20, 232, 500, 30, PALE)
    s.text(270, 252, "memory: x, y", 13, "middle")
    s.box(40, 290, 440, 32, GREEN)
    s.text(260, 311, "relu(x scale + shift)", 13, "middle")
    s.arrow(90, 264, 90, 287)
    s.arrow(430, 288, 430, 265)
    s.text(560, 270, "2 passes", 14)
    s.write("7-fusion.svg")


def counters():
    s = Sheet(760, 300)
    s.text(20, 24, "with a state: each number needs the one before", bold=True)
    for i in range(6):
        x = 30 + i * 110
        s.box(x, 46, 70, 30, RED)
        s.text(x + 35, 66, f"state {i}", 12, "middle")
        s.arrow(x + 35, 78, x + 35, 102)
        s.text(x + 35, 118, f"out[{i}]", 12, "middle", mono=True)
        if i < 5:
            s.arrow(x + 72, 61, x + 106, 61)
    s.text(20, 158, "with a counter: each is a function of its own number", bold=True)
    for i in range(6):
        x = 30 + i * 110
        s.text(x + 35, 186, f"({i}, step, ..)", 11, "middle")
        s.arrow(x + 35, 190, x + 35, 204)
        s.box(x, 206, 70, 30, GREEN)
        s.text(x + 35, 226, "philox", 12, "middle")
        s.arrow(x + 35, 238, x + 35, 256)
        s.text(x + 35, 272, f"out[{i}]", 12, "middle", mono=True)
    s.text(20, 294, "Any work-item can draw any number, twice if need be, and how a launch is cut changes nothing.", 13)
    s.write("8-random.svg")


def orbit(penalty, steps=220, rate=0.25):
    sigmoid = lambda v: 1 / (1 + math.exp(-v))
    g, d, points = 1.0, 0.0, []
    for _ in range(steps):
        points.append((g, d))
        for _ in range(2):
            d -= rate * (sigmoid(d * g) * g + penalty * d)
        g += rate * sigmoid(-d * g) * d
    return points


def game():
    s = Sheet(760, 360)
    s.text(20, 24, "a step of the schedule: three launches", bold=True)
    for i, (words, fill) in enumerate([("discriminator", BLUE), ("discriminator", BLUE), ("generator", GOLD)]):
        s.box(20 + i * 150, 40, 130, 34, fill)
        s.text(85 + i * 150, 62, words, 13, "middle")
        if i < 2:
            s.arrow(152 + i * 150, 57, 168 + i * 150, 57)
    s.text(20, 94, "d moves, g stays", 12)
    s.text(320, 94, "g moves, d stays", 12)
    for x, penalty, words in [(20, 0.0, "penalty = 0: it circles"), (400, 0.5, "penalty = 0.5: to g = 0, which is the data")]:
        s.text(x, 124, words, 13, bold=True)
        s.box(x, 134, 330, 214, "#ffffff", GREY)
        middle_x, middle_y = x + 165, 241
        s.line([(x, middle_y), (x + 330, middle_y)], GREY, 1)
        s.line([(middle_x, 134), (middle_x, 348)], GREY, 1)
        s.text(x + 314, middle_y - 6, "g", 13)
        s.text(middle_x + 6, 148, "d", 13)
        points = [(middle_x + 90 * g, middle_y - 68 * d) for g, d in orbit(penalty)]
        s.line(points, "#0969da", 1.2)
        s.dot(*points[0], "#cf222e")
        s.dot(*points[-1], "#1a7f37")
    s.write("9-game.svg")


# Of lesson 10's solution, GFLOP/s at 512 x 512 x 512, the best of several runs on two cores of an AMD EPYC.
DRIVERS = [("PoCL 3.1", BLUE), ("Intel's CPU runtime 2026.2", GOLD), ("Mesa 22.3, rusticl", RED)]
SPEEDS = [("1 x 1", 1.6, 27, 0.48), ("4 x 4", 25, 29, 1.7), ("4 x 16", 96, 109, 0.46), ("8 x 16", 158, 309, 0.68)]


def devices():
    s = Sheet(760, 350)
    s.text(20, 24, "GFLOP/s by ROWS x WIDTH: one source, one processor, three drivers", bold=True)
    scale, high = 560 / 320, 20
    for i, (block, *speeds) in enumerate(SPEEDS):
        y = 42 + i * (3 * high + 10)
        s.text(80, y + 1.5 * high + 5, block, 14, "end")
        for j, speed in enumerate(speeds):
            s.box(92, y + j * high, max(1, round(speed * scale, 1)), high - 2, DRIVERS[j][1])
            s.text(98 + speed * scale, y + j * high + 14, speed, 12)
    for j, (driver, fill) in enumerate(DRIVERS):
        s.box(92 + j * 220, 326, 14, 14, fill)
        s.text(112 + j * 220, 338, driver, 13)
    s.write("10-devices.svg")


launch()
product()
panels()
tiles()
registers()
reduction()
fusion()
counters()
game()
devices()
