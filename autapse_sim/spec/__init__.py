"""What is simulated, as frozen values: circuits, models, protocols, weights, and what texts of models may say."""
