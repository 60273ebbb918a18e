"""One training run: drawn, prepared, simulated, scored beside controls."""
