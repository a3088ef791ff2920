/* Pieces of JSON, written to stdout one after another. */
#ifndef JSON_VALUES_H
#define JSON_VALUES_H

#include <stdint.h>

/* The name of a field; it also opens the object (index 0) or separates it from the field before. */
void print_key(uint32_t index, const char *name);
void print_end(void);

/* Before each element of a list, and after the last of `count`. */
void print_separator(uint32_t index);
void print_list_end(uint32_t count);

void print_integer(int64_t number);
void print_string(const char *text);

/* With so many digits that a float or double is the same when it is read again. */
void print_real(double number);

/* Their number and CRC-32. */
void print_bytes(const uint8_t *bytes, uint32_t count);

/* {"name": ..., "value": the value that is printed between begin and end}, on a line of its own and at once. */
void begin_line(const char *name);
void end_line(void);

#endif
