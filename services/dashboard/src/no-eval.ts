/**
 * Zod, which the rules check the catalogue with, would try whether it may make code from text: the content security policy
 * forbids it, and the browser would report the attempt. To be imported before the rules.
 */
import { config } from 'zod';

config({ jitless: true });
