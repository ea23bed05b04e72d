"""Pure functions over recordings: merging, timings, hotspots, the call tree, plain text."""
