"""Parts of the study of operations that are learned one after the other."""
