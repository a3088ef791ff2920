#include "sample_inputs.h"

#include <string.h>

#define FRAME "table"

/* Points of a cube of 8 cm: binary fractions, which float holds exactly. */
static const int factors[3] = {7, 11, 13}, periods[3] = {641, 643, 647};

void fill_cloud(PointCloud2 *cloud, int32_t stamp)
{
  cloud->header.stamp.sec = stamp;
  cloud->header.frame_id = dds_string_dup(FRAME);
  cloud->height = 1;
  cloud->width = CLOUD_NUM_POINTS;
  cloud->point_step = 3 * sizeof(float);
  cloud->row_step = cloud->point_step * cloud->width;
  cloud->is_dense = true;
  cloud->fields._length = cloud->fields._maximum = 3;
  cloud->fields._buffer = dds_alloc(3 * sizeof(PointField));
  cloud->fields._release = true;
  cloud->data._length = cloud->data._maximum = cloud->row_step;
  cloud->data._buffer = dds_alloc(cloud->row_step);
  cloud->data._release = true;
  for (uint32_t axis = 0; axis < 3; axis++)
  {
    const char name[] = {"xyz"[axis], '\0'};
    PointField *field = &cloud->fields._buffer[axis];
    field->name = dds_string_dup(name);
    field->offset = axis * sizeof(float);
    field->datatype = FLOAT32;
    field->count = 1;
    for (int i = 0; i < CLOUD_NUM_POINTS; i++)
    {
      float coordinate = (float)(i * factors[axis] % periods[axis] - 320) / 8192.0f;
      memcpy(cloud->data._buffer + (size_t)i * cloud->point_step + field->offset, &coordinate, sizeof coordinate);
    }
  }
}

void fill_image(Image *image)
{
  image->header.frame_id = dds_string_dup("lens");
  image->height = IMAGE_HEIGHT;
  image->width = IMAGE_WIDTH;
  image->step = 3 * IMAGE_WIDTH;
  image->encoding = dds_string_dup("rgb8");
  image->data._length = image->data._maximum = image->step * image->height;
  image->data._buffer = dds_alloc(image->data._length);
  image->data._release = true;
  for (uint32_t i = 0; i < image->data._length; i++)
    image->data._buffer[i] = (uint8_t)(7 * i + 3);
}
