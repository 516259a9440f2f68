"""Parts of the study of modulated weights: registers of text, models, and routing."""
