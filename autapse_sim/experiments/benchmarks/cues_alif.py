"""Cues that have to be counted, with neurons that spike."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import TRIALS, spiking
from autapse_sim.tasks.evidence import EvidenceAccumulation

benchmark = spiking(
    "tell on which side there were more of three cues, with 50 LIF and 50 ALIF neurons",
    EvidenceAccumulation(cues=3, cue=20, pause=10, delay=40, recall=20, probability=0.1),
    TRIALS,
    "alif",
    100,
    tau_a="200 ms",
    beta=[[0.0] * 50 + [0.01] * 50],
)
