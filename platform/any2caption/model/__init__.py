"""The model: encoders, the multimodal language model, the processor, bundles and inference steps."""
