"""The causes that need more than a setting that differs, by what they are about."""
