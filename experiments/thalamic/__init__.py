"""The brain that routes items by channels, and how its study is reported."""
