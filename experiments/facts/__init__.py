"""Parts of the study of facts that a language model learns in one presentation."""
