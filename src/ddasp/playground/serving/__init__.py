"""The server of the page: who may speak to it, what is said, the thread behind each page."""
