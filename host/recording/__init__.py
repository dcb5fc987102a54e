"""A session in a file, and the session again from that file, without its board: docs/recordings.md."""
