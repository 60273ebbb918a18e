"""Results on one HTML page each, which needs no network: `autapse_sim.results.report.write.report`."""
