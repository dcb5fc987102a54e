"""Memory cards: blocks, the FAT volume on them, and files that firmware has without a file system."""
