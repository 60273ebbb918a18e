"""Neurons: each file defines ``neuron = Neuron(...)``."""
