"""Starting points: each module is what `autapse new` writes for its kind, and runs as it is."""
