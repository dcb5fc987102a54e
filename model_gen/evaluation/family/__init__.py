"""The presets held against each other on real speech and synthetic birds: what `nightjar bench family` measures."""
