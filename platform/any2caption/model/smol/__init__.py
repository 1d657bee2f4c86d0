"""SmolLM2-135M-Instruct (Apache-2.0): a real pretrained language model that fits on a laptop."""
