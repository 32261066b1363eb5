"""Charts: what they show as data, drawn as a picture or by Plotly."""
