/* An object's cloud and a picture that C and Python make alike, bit by bit (sample_inputs.py). */
#ifndef SAMPLE_INPUTS_H
#define SAMPLE_INPUTS_H

#include "messages.h"

#define CLOUD_NUM_POINTS 100000 /* of 12 bytes */
#define IMAGE_WIDTH 64
#define IMAGE_HEIGHT 48

/* Both fill a struct of zeros; its memory is freed with dds_sample_free. */
void fill_cloud(PointCloud2 *cloud, int32_t stamp); /* in seconds */
void fill_image(Image *image);

#endif
