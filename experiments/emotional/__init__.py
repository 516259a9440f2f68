"""What the studies of the emotional cascade share: texts, norms, sentences, dialogues, and scores."""
