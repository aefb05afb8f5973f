package mobilesr

import kotlin.math.max
import kotlin.math.min
import kotlin.math.round

/** A picture to read. Pixels are as Bitmap.getPixels gives them: 0xAARRGGBB, not premultiplied. */
interface PixelSource {
    val width: Int
    val height: Int

    /** Fills `into[0]` to `into[count - 1]` with the pixels of row `y` from column `x` on. */
    fun readRow(y: Int, x: Int, count: Int, into: IntArray)
}

/** Where the upscaled picture goes, a few whole rows at a time, from the top down. */
interface PixelSink {
    /** `pixels` holds `rows` rows, the first of them row `y` of the result. Opaque 0xFFRRGGBB. */
    fun writeRows(y: Int, rows: Int, pixels: IntArray)
}

/** The network: one tile, in the form of [Tile]; out comes that of the result. */
interface TileModel {
    fun run(input: Tile): Tile
}

/** Told after every tile. Throw from here to stop. */
interface TileProgress {
    fun onTile(done: Int, total: Int)
}

/**
 * Any picture through a network of fixed input size: overlapping tiles, aligned to the network's
 * attention windows, blended where they meet. Plain Kotlin, without Android.
 *
 * Beyond the right and the bottom edge the picture is mirrored. It computes, number for number, what
 * `check.py` computes.
 */
class Tiling(
    private val tileHeight: Int,
    private val tileWidth: Int,
    private val window: Int,
    private val scale: Int
) {
    init {
        require(tileHeight > 0 && tileWidth > 0 && window > 0 && scale > 0) {
            "tiles of $tileHeight x $tileWidth, windows of $window, scale $scale"
        }
    }

    /** How many tiles a picture of this size takes. */
    fun count(height: Int, width: Int): Int =
        axis(height, tileHeight).origins.size * axis(width, tileWidth).origins.size

    /**
     * Upscales `source` into `sink`.
     *
     * @param background 0xRRGGBB that transparent pixels are laid on.
     * @throws IllegalArgumentException the picture is empty, or the tiles are too small for it.
     */
    fun upscale(
        source: PixelSource,
        sink: PixelSink,
        background: Int,
        model: TileModel,
        progress: TileProgress
    ) {
        val down = axis(source.height, tileHeight)
        val across = axis(source.width, tileWidth)
        val band = Band(scale * min(tileHeight, source.height), scale * source.width, sink)
        val input = TileFormat.allocate(3 * tileHeight * tileWidth)
        val total = down.origins.size * across.origins.size
        var done = 0
        for (row in down.origins.indices) {
            for (column in across.origins.indices) {
                cut(source, down.origins[row], across.origins[column], background, input)
                val output = model.run(input)
                require(output.size == input.size * scale * scale) {
                    "the network gave ${output.size} numbers for a tile of ${input.size}"
                }
                band.add(output, down.shares[row], across.shares[column], across.origins[column])
                progress.onTile(++done, total)
            }
            // What the next row of tiles does not touch any more is final.
            val next = if (row + 1 < down.origins.size) down.origins[row + 1] else source.height
            band.finish(scale * next)
        }
    }

    /** Where the tiles of an axis begin, and each one's share of every output pixel it covers. */
    private class Axis(val origins: IntArray, val shares: Array<DoubleArray>)

    private fun axis(length: Int, tile: Int): Axis {
        require(length > 0) { "the picture has a side of $length pixels" }
        val origins = origins(length, tile)
        return Axis(origins, shares(origins, length, tile))
    }

    private fun origins(length: Int, tile: Int): IntArray {
        if (length <= tile) return intArrayOf(0)
        // A tile's last incomplete window is padding inside the network: it counts for nothing.
        val whole = tile - tile % window
        require(whole > 0) {
            "a side of $length pixels takes several tiles, and a tile of $tile pixels holds no " +
                "window of $window: pictures of at most $tile pixels only"
        }
        val overlap = min(min(DEFAULT_OVERLAP, whole / 4), whole - window)
        // In windows from here on.
        val step = (whole - overlap) / window
        val last = (length - tile + window - 1) / window
        val gaps = (last + step - 1) / step
        return IntArray(gaps + 1) { k -> k * last / gaps * window }
    }

    private fun shares(origins: IntArray, length: Int, tile: Int): Array<DoubleArray> {
        val whole = tile - tile % window
        var fade = FADE
        for (k in 1 until origins.size) fade = min(fade, origins[k - 1] + whole - origins[k])
        // Without any overlap the cross-fade is a hard edge.
        val width = if (origins.size > 1) max(fade.toDouble(), 1e-9) else FADE.toDouble()

        // Rises from 0 to 1 where one tile hands over to the next.
        fun rise(k: Int, pixel: Int): Double {
            if (k == 0) return 1.0
            if (k == origins.size) return 0.0
            val common = origins[k - 1] + whole - origins[k]
            val centre = (pixel + 0.5) / scale
            return min(max((centre - origins[k] - common / 2.0) / width + 0.5, 0.0), 1.0)
        }
        return Array(origins.size) { k ->
            val first = scale * origins[k]
            DoubleArray(scale * min(origins[k] + tile, length) - first) { i ->
                rise(k, first + i) - rise(k + 1, first + i)
            }
        }
    }

    private fun cut(source: PixelSource, top: Int, left: Int, background: Int, input: Tile) {
        val columns = IntArray(tileWidth) { mirrored(left + it, source.width) }
        var from = columns[0]
        var to = columns[0]
        for (column in columns) {
            from = min(from, column)
            to = max(to, column)
        }
        val row = IntArray(to - from + 1)
        for (y in 0 until tileHeight) {
            source.readRow(mirrored(top + y, source.height), from, row.size, row)
            for (x in 0 until tileWidth) {
                val pixel = row[columns[x] - from]
                TileFormat.put(
                    input, tileHeight * tileWidth, y * tileWidth + x,
                    level(pixel, background, 16), level(pixel, background, 8),
                    level(pixel, background, 0)
                )
            }
        }
    }

    private fun level(pixel: Int, background: Int, shift: Int): Int {
        val value = pixel shr shift and 255
        val alpha = pixel ushr 24
        if (alpha == 255) return value
        val share = alpha / 255.0
        return round(value * share + (background shr shift and 255) * (1.0 - share)).toInt()
    }

    /** The pixel that stands at `at`: beyond the end of the picture, as in a mirror at its edge. */
    private fun mirrored(at: Int, length: Int): Int {
        val folded = at % (2 * length)
        return if (folded < length) folded else 2 * length - 1 - folded
    }

    /** Output rows that tiles are still added to: never more than one row of tiles is held. */
    private inner class Band(
        private val rows: Int, private val width: Int, private val sink: PixelSink
    ) {
        private val sums = FloatArray(3 * rows * width)
        /** Finished pixels; 0, which no opaque pixel is, where tiles are blended in `sums`. */
        private val pixels = IntArray(rows * width)
        private var top = 0

        /** A tile of the row that the band begins with; `origin` is its first column of the input. */
        fun add(output: Tile, vertical: DoubleArray, horizontal: DoubleArray, origin: Int) {
            val tileRow = scale * tileWidth
            val size = scale * tileHeight * tileRow
            for (y in vertical.indices) {
                for (x in horizontal.indices) {
                    val share = (vertical[y] * horizontal[x]).toFloat()
                    if (share == 0f) continue
                    val from = y * tileRow + x
                    val red = TileFormat.level(output, size, from, 0)
                    val green = TileFormat.level(output, size, from, 1)
                    val blue = TileFormat.level(output, size, from, 2)
                    val to = y * width + scale * origin + x
                    if (share == 1f) {
                        pixels[to] = opaque(red, green, blue)
                    } else {
                        sums[3 * to] += share * red
                        sums[3 * to + 1] += share * green
                        sums[3 * to + 2] += share * blue
                    }
                }
            }
        }

        /** Hands out all rows above `end` and makes room for as many below. */
        fun finish(end: Int) {
            val count = end - top
            for (at in 0 until count * width) {
                if (pixels[at] == 0) {
                    pixels[at] = opaque(
                        rounded(sums[3 * at]), rounded(sums[3 * at + 1]), rounded(sums[3 * at + 2])
                    )
                }
            }
            sink.writeRows(top, count, pixels)
            val kept = (rows - count) * width
            System.arraycopy(pixels, count * width, pixels, 0, kept)
            pixels.fill(0, kept, pixels.size)
            System.arraycopy(sums, 3 * count * width, sums, 0, 3 * kept)
            sums.fill(0f, 3 * kept, sums.size)
            top = end
        }
    }

    private fun opaque(red: Int, green: Int, blue: Int): Int =
        255 shl 24 or (red shl 16) or (green shl 8) or blue

    private fun rounded(level: Float): Int = round(level).toInt()

    companion object {
        /** Pixels that neighbouring tiles share at least, less for tiles below four times that. */
        const val DEFAULT_OVERLAP = 16
        /** Width of the cross-fade between two tiles, in pixels of the input. */
        const val FADE = 4
    }
}
