"""Every member of the frontend, in firmware, on every tier without hardware."""
