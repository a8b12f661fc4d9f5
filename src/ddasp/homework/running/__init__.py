"""Code of others, run in a process of its own: the runner, the sandbox around it, what comes back."""
