"""Tasks: what the circuit is shown, and what it is to predict."""
