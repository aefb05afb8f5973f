"""Which numbers a deployed model computes with: int8 where a layer allows it, fp16, fp32."""
