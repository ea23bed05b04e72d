"""The session report: its frozen form, its JSON, and the renderers."""
