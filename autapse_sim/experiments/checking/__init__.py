"""What the bench understands of a model, a task or a benchmark, and how it is told."""
