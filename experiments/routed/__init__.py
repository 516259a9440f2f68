"""Parts of the study of thalamic routing in a language model: its costs, its models, and a task of copying."""
