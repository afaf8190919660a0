# SPDX-License-Identifier: MIT
"""TensorFlow: the convolutional workloads as one tf.function a step. TF_JIT=1 goes through XLA."""
import common

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

WORKLOAD, BATCH, SECONDS = common.arguments()
JIT = os.environ.get("TF_JIT") == "1"
tf.config.threading.set_intra_op_parallelism_threads(common.THREADS)
tf.config.threading.set_inter_op_parallelism_threads(common.THREADS)
PICTURES = common.pictures().reshape(-1, 28, 28, 1).astype("float32") / 255
layers = tf.keras.layers


def up(channels, size, stride, **options):
    return layers.Conv2DTranspose(channels, size, stride, padding="same", **options)


def convvae():
    encoder = tf.keras.Sequential([
        layers.InputLayer(shape=(28, 28, 1)), layers.Conv2D(32, 3, 2, activation="relu"),
        layers.Conv2D(64, 3, 2, activation="relu"), layers.Flatten(), layers.Dense(4)])
    decoder = tf.keras.Sequential([
        layers.InputLayer(shape=(2,)), layers.Dense(7 * 7 * 32, activation="relu"), layers.Reshape((7, 7, 32)),
        up(64, 3, 2, activation="relu"), up(32, 3, 2, activation="relu"), up(1, 3, 1)])
    adam = tf.keras.optimizers.Adam(1e-4)
    variables = encoder.trainable_variables + decoder.trainable_variables

    @tf.function(jit_compile=JIT)
    def step(x):
        with tf.GradientTape() as tape:
            mean, logvar = tf.split(encoder(x), 2, 1)
            logits = decoder(tf.random.normal(tf.shape(mean)) * tf.exp(0.5 * logvar) + mean)
            nll = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=x), [1, 2, 3])
            kl = -0.5 * tf.reduce_sum(1 + logvar - mean * mean - tf.exp(logvar), 1)
            loss = tf.reduce_mean(nll + kl)
        adam.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    return step, False


def dcgan():
    slope = {"negative_slope": 0.2}
    discriminator = tf.keras.Sequential([
        layers.InputLayer(shape=(28, 28, 1)),
        layers.Conv2D(64, 5, 2, padding="same"), layers.LeakyReLU(**slope), layers.Dropout(0.3),
        layers.Conv2D(128, 5, 2, padding="same"), layers.LeakyReLU(**slope), layers.Dropout(0.3),
        layers.GlobalMaxPooling2D(), layers.Dense(1)])
    generator = tf.keras.Sequential([
        layers.InputLayer(shape=(100,)), layers.Dense(7 * 7 * 256, use_bias=False), layers.BatchNormalization(),
        layers.LeakyReLU(**slope), layers.Reshape((7, 7, 256)),
        up(128, 5, 1, use_bias=False), layers.BatchNormalization(), layers.LeakyReLU(**slope),
        up(64, 5, 2, use_bias=False), layers.BatchNormalization(), layers.LeakyReLU(**slope),
        up(1, 5, 2, use_bias=False, activation="tanh")])
    d_adam, g_adam = tf.keras.optimizers.Adam(1e-4), tf.keras.optimizers.Adam(1e-4)
    entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)

    def fakes():
        return generator(tf.random.normal((BATCH, 100)), training=True)

    def apply(adam, tape, loss, model):
        adam.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))

    @tf.function(jit_compile=JIT)
    def step(x):
        fake = fakes()
        with tf.GradientTape() as tape:
            on_real, on_fake = discriminator(x, training=True), discriminator(fake, training=True)
            loss = entropy(tf.ones_like(on_real), on_real) + entropy(tf.zeros_like(on_fake), on_fake)
        apply(d_adam, tape, loss, discriminator)
        with tf.GradientTape() as tape:
            on_fake = discriminator(fakes(), training=True)
            g_loss = entropy(tf.ones_like(on_fake), on_fake)
        apply(g_adam, tape, g_loss, generator)
        return loss

    return step, True


step, centred = {"convvae": convvae, "dcgan": dcgan}[WORKLOAD]()


def block():
    x = tf.constant(PICTURES[np.random.randint(0, len(PICTURES), BATCH)])
    return float(step(2 * x - 1 if centred else x))


common.measure("tensorflow-xla" if JIT else "tensorflow", WORKLOAD, BATCH, SECONDS, block)
