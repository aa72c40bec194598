"""Where do rows come from, and how do they become docs? Languages, sources, prepared docs."""
