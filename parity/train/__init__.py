"""Training side by side: mmengine's Runner and a plain PyTorch loop, compared as they go."""
