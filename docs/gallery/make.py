#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the gallery: trains small models, has the program draw them, and writes README.md, which says how each was made.

Idea: a training and its pictures are a row of a table each; the page is that table, so that it cannot say otherwise.
usage: make.py PROGRAM [TRAINING...]   trains all, or those named, and draws their pictures (minutes each)
       make.py --page                  prints the page
"""
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# By name: the command after `duet train`.
TRAININGS = {
    "vae": "vae --epochs 3",
    "plane": "vae --epochs 3 --set latent=2",
    "cvae": "cvae --epochs 3",
    "game": "gan-conv --epochs 2 --set width=16 --set window=4 --set lr=0.0007 --set generator.average=0.99",
    "shapes": "vae --data shapes --epochs 3",
    "ring": "gan --data ring8 --set preset=stable --steps 8000",
    "flow": "flow-matching --data ring8 --batch 256 --steps 3000 --set hidden=128,128 --set lr=0.002",
}
# A picture's name, the training, the command that draws it (RUN is the training's), and what is to be seen.
PICTURES = (
    ("vae-reconstructions", "vae", "reconstruct RUN -n 24", "Test pictures, and below each what a VAE's code of 20 numbers keeps of it: the cut, not the print."),
    ("vae-interpolation", "vae", "interpolate RUN -n 4", "Each row goes from one latent to another: shapes turn into each other, none is cut over."),
    ("vae-traversal", "vae", "traverse RUN -n 5", "Each row moves one latent through its prior; the rows that change most come first."),
    ("vae-plane", "plane", "sample RUN --manifold 10", "A VAE with two latents, decoded over the plane: every picture that it can draw has a place here."),
    ("cvae-classes", "cvae", "sample RUN --class all -n 8", "A VAE that is told the class: a row of each."),
    ("gan-samples", "game", "sample RUN -n 49 --set weights=average", "A GAN with convolutions after two epochs: edges and shades that a VAE has not, and rags among the clothes."),
    ("shapes", "shapes", "reconstruct RUN -n 24", "Generated shapes in colour, and what a VAE makes of them: place and colour before corners."),
    ("gan-ring", "ring", "sample RUN", "Eight Gaussians on a circle, grey, and what a GAN draws, blue: threads lead from one to the next."),
    ("flow-ring", "flow", "sample RUN", "The same circle by flow matching."),
)


def page():
    lines = ["# Gallery", "",
             "Made by the program and by nothing else: `docs/gallery/make.py build/duet` trains these small models, seed 0, draws the pictures anew and",
             "writes this page. A few minutes each; larger ones are in the [guide of models](../models.md) and in the [study](../vae-versus-gan/README.md).", ""]
    for name, training, command, words in PICTURES:
        lines += [f"![{words}]({name}.png)", "", words, "", "```sh", f"duet train {TRAININGS[training]} --out {training}",
                  f"duet {command.replace('RUN', training)} --out {name}.png", "```", ""]
    return "\n".join(lines)


def make(program, chosen):
    with tempfile.TemporaryDirectory() as folder:
        for training in chosen:
            run = str(pathlib.Path(folder) / training)
            subprocess.run([program, "train", *TRAININGS[training].split(), "--out", run], check=True)
            for name, of, command, _ in PICTURES:
                if of == training:
                    subprocess.run([program, *command.replace("RUN", run).split(), "--out", HERE / f"{name}.png"], check=True)
    (HERE / "README.md").write_text(page())


def main():
    words = sys.argv[1:]
    if words == ["--page"]:
        print(page(), end="")
    elif not words or not set(words[1:]) <= TRAININGS.keys():
        raise SystemExit(f"usage: make.py PROGRAM [TRAINING...] or make.py --page; trainings are {', '.join(TRAININGS)}")
    else:
        make(words[0], words[1:] or list(TRAININGS))


if __name__ == "__main__":
    main()
