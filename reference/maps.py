"""Edge maps, depth maps and pairs of images as mmseg makes them, live."""

from reference.configured import made

generate_edge_sample = made("GenerateEdge")
load_depth_sample = made("LoadDepthAnnotation")
depth_mix_sample = made("RandomDepthMix")
concat_images_sample = made("ConcatCDInput")
