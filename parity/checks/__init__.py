"""What ``pytest parity/`` runs: every step beside the reference."""
