"""Memory cards: their blocks, the FAT volume on them, and the files that firmware reads and writes without a file system."""
