// SPDX-License-Identifier: GPL-2.0
/*
 * hotmap: colours for heat.
 *
 * They lie on a curve through the CIELAB space (CIE 1976, white D65), in which equal distances look
 * like equal differences. With t from 0, cold, to 1, hot:
 *
 *	lightness	L = 91 - 78 t
 *	chroma		C = 18 + 45 sin(pi t)
 *	hue		begins at 95 degrees, yellow, and turns towards red and violet
 *
 * The hue turns just so fast that the whole curve has the same speed, STRETCH units from end to
 * end: each level differs as much from the next one. Lightness alone tells the heat too, so
 * that grey paper and eyes that see fewer colours show the same order. On a dark page the curve
 * is walked the other way round: hot is bright.
 */
#include <math.h>
#include <stdlib.h>

#include "hotmap.h"

#define STRETCH 180

struct lab {
	double l, a, b;
};

/* The white of D65, by which CIELAB is defined. */
static const double white[] = { 0.95047, 1, 1.08883 };

static double clamp(double x)
{
	return x < 0 ? 0 : x > 1 ? 1 : x;
}

static double encode(double linear)
{
	linear = clamp(linear);
	return linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055;
}

static double decode(double value)
{
	return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

static double cube(double f)
{
	return f > 6. / 29 ? f * f * f : 3 * 36. / 841 * (f - 4. / 29);
}

static double cube_root(double x)
{
	return x > 216. / 24389 ? cbrt(x) : x * 841 / 108 + 4. / 29;
}

/* By the matrices of sRGB (IEC 61966-2-1). */
static struct color lab_to_rgb(const struct lab *lab)
{
	double fy = (lab->l + 16) / 116;
	double x = white[0] * cube(fy + lab->a / 500);
	double y = white[1] * cube(fy);
	double z = white[2] * cube(fy - lab->b / 200);

	return (struct color){
		encode(3.2404542 * x - 1.5371385 * y - 0.4985314 * z),
		encode(-0.9692660 * x + 1.8760108 * y + 0.0415560 * z),
		encode(0.0556434 * x - 0.2040259 * y + 1.0572252 * z),
	};
}

static struct lab rgb_to_lab(const struct color *c)
{
	double r = decode(c->red), g = decode(c->green), b = decode(c->blue);
	double fx = cube_root((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / white[0]);
	double fy = cube_root((0.2126729 * r + 0.7151522 * g + 0.0721750 * b) / white[1]);
	double fz = cube_root((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / white[2]);

	return (struct lab){ 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz) };
}

/* L*, from 0, black, to 100, white. */
double color_lightness(const struct color *c)
{
	return rgb_to_lab(c).l;
}

/* How different two colours look; about 2 can just be told when they touch. */
double color_difference(const struct color *x, const struct color *y)
{
	struct lab a = rgb_to_lab(x), b = rgb_to_lab(y);

	return sqrt((a.l - b.l) * (a.l - b.l) + (a.a - b.a) * (a.a - b.a) +
		    (a.b - b.b) * (a.b - b.b));
}

static struct color grey(double lightness)
{
	struct lab lab = { .l = lightness };

	return lab_to_rgb(&lab);
}

void palette_init(struct palette *p, bool dark)
{
	const double fall = -78, swell = 45;
	/* Many small steps, so that the sum is as good as the integral. */
	const int steps = 64 * (LEVELS - 1);
	double hue = 95 * M_PI / 180;

	p->dark = dark;
	p->page = grey(dark ? 14 : 100);
	p->text = grey(dark ? 92 : 12);
	p->faint = grey(dark ? 62 : 45);
	p->none = grey(dark ? 5 : 96.5);
	for (int i = 0; i <= steps; i++) {
		double t = (double)i / steps, chroma = 18 + swell * sin(M_PI * t);
		double dchroma = swell * M_PI * cos(M_PI * t);
		struct lab lab = { 91 + fall * t, chroma * cos(hue), chroma * sin(hue) };
		int level = i / 64;

		if (i % 64 == 0)
			p->levels[dark ? LEVELS - 1 - level : level] = lab_to_rgb(&lab);
		/* What lightness and chroma leave of the speed. */
		hue -= sqrt(STRETCH * STRETCH - fall * fall - dchroma * dchroma) / chroma / steps;
	}
}

/* One of the colours 16 to 255 that all terminals with 256 colours have alike. */
static struct color terminal_color(int nr)
{
	int cube = nr - 16, part[] = { cube / 36, cube / 6 % 6, cube % 6 };
	double grey = (8 + 10 * (nr - 232)) / 255.;

	if (nr >= 232)
		return (struct color){ grey, grey, grey };
	for (int i = 0; i < 3; i++)
		part[i] = part[i] ? 55 + 40 * part[i] : 0;
	return (struct color){ part[0] / 255., part[1] / 255., part[2] / 255. };
}

/* The closest one that is not on the wrong side of @limit. */
static unsigned char closest(const struct color *wanted, double limit, bool darker)
{
	double best = INFINITY;
	int found = 16;

	for (int nr = 16; nr < 256; nr++) {
		struct color c = terminal_color(nr);
		double lightness = color_lightness(&c), far = color_difference(&c, wanted);

		if (far < best && (darker ? lightness <= limit : lightness >= limit)) {
			best = far;
			found = nr;
		}
	}
	return found;
}

/**
 * palette_of_terminal - the same for a terminal with 256 colours
 * @palette: the colours
 * @none: out: the number of the colour without heat
 * @levels: out: those of the levels; lightness never turns back from one to the next
 */
void palette_of_terminal(const struct palette *palette, unsigned char none[1],
			 unsigned char levels[LEVELS])
{
	bool darker = !palette->dark;
	double limit = darker ? 100 : 0;

	*none = closest(&palette->none, limit, darker);
	for (int i = 0; i < LEVELS; i++) {
		struct color c;

		levels[i] = closest(&palette->levels[i], limit, darker);
		c = terminal_color(levels[i]);
		limit = color_lightness(&c);
	}
}
