"""Where do evidence, facts and what follows from them lie? The only SQL."""
