"""Results for other programs, a module a format: spikes as Neo objects, sessions as NWB, networks as NIR, tidy tables.

Everything else in a result is named arrays already: ``result.data`` is an xarray.Dataset, and its weights are
``result.data[["W", "U", "V", "B"]]``.
"""

from __future__ import annotations

from autapse_sim.results.export.files import write
from autapse_sim.results.export.neo import spike_trains
from autapse_sim.results.export.nir import from_nir, to_nir
from autapse_sim.results.export.nwb import to_nwb
from autapse_sim.results.export.tables import to_frame

__all__ = ["from_nir", "spike_trains", "to_frame", "to_nir", "to_nwb", "write"]
