"""What a teacher says of recordings: made once, kept in a file, and found again for a student's windows."""
