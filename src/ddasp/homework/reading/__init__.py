"""What was handed in, read without running it: archives, notebooks, imports, who is alike."""
