/*
 * Sends every cloud of the topic /clouds_out back on the topic /clouds_back, with each byte of its data inverted. Prints
 * what it receives.
 *
 * Usage: cloud_returner NUM_CLOUDS
 */
#include <stdlib.h>

#include "messages.h"
#include "ros_peer.h"

int main(int argc, char **argv)
{
  if (argc != 2)
    fail("usage: %s NUM_CLOUDS", argv[0]);
  dds_entity_t participant = join_domain();
  dds_entity_t reader = create_reader(participant, CLOUD_TYPE, "rt/clouds_out", VOLATILE, "");
  dds_entity_t writer = create_writer(participant, CLOUD_TYPE, "rt/clouds_back", VOLATILE, "");
  for (unsigned long left = strtoul(argv[1], NULL, 10); left > 0; left--)
  {
    dds_sample_info_t info;
    PointCloud2 *cloud = take_sample(reader, &info, "a cloud");
    PRINT("cloud", sensor_msgs_msg_PointCloud2, cloud);
    for (uint32_t i = 0; i < cloud->data._length; i++)
      cloud->data._buffer[i] = (uint8_t)~cloud->data._buffer[i];
    wait_for_match(writer, "a reader of clouds");
    write_sample(writer, cloud);
    give_back(reader, cloud);
  }
  checked(dds_delete(participant), "leave the domain");
  return EXIT_SUCCESS;
}
