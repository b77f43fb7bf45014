"""Figures, never assertions on time. Each benchmark writes its own section of RESULTS.md."""
