#include "json_values.h"

#include <inttypes.h>
#include <stdio.h>

void print_key(uint32_t index, const char *name)
{
  printf("%s\"%s\": ", index ? ", " : "{", name);
}

void print_end(void)
{
  putchar('}');
}

void print_separator(uint32_t index)
{
  putchar(index ? ',' : '[');
}

void print_list_end(uint32_t count)
{
  fputs(count ? "]" : "[]", stdout);
}

void print_integer(int64_t number)
{
  printf("%" PRId64, number);
}

void print_string(const char *text)
{
  putchar('"');
  for (; *text; text++)
    if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
      printf("\\u%04x", *text);
    else
      putchar(*text);
  putchar('"');
}

void print_real(double number)
{
  printf("%.17g", number);
}

void print_bytes(const uint8_t *bytes, uint32_t count)
{
  uint32_t crc = 0xffffffffu;
  for (uint32_t i = 0; i < count; i++)
  {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++)
      crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0);
  }
  printf("[%" PRIu32 ", %" PRIu32 "]", count, ~crc);
}

void begin_line(const char *name)
{
  print_key(0, "name");
  print_string(name);
  print_key(1, "value");
}

void end_line(void)
{
  puts("}");
  fflush(stdout);
}
