"""Exact gradients as C++ programs: one for each neuron and way of laying networks in memory, for sizes of any kind."""
