package mobilesr

import kotlin.math.round

/** The other form's network, with levels divided before it, and clamped and rounded behind it. */
class StandIn(private val height: Int, private val width: Int, private val scale: Int) : TileModel {
    override fun run(input: Tile): Tile {
        val columns = scale * width
        return ByteArray(3 * scale * height * columns) { at ->
            val channel = at % 3
            val y = at / 3 / columns
            val x = at / 3 % columns
            val level = input[3 * (y / scale * width + x / scale) + channel].toInt() and 255
            val value = level / 255f * 0.75f + ((5 * channel + 7 * y + 13 * x) % 64 - 4) / 128f
            round(Math.min(Math.max(value, 0f), 1f) * 255f).toInt().toByte()
        }
    }
}
