"""chaoskit."""
